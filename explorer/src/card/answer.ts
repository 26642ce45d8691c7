/** Answers of the source, as a component waits for them. */
import { useSignal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

/** The answer to an asynchronous question, asked anew when `key` changes; null before it is there. */
export function useAnswer<T>(key: string, ask: (() => Promise<T>) | null): { value: Signal<T | null>; problem: Signal<string> } {
  const value = useSignal<T | null>(null);
  const problem = useSignal('');
  useEffect(() => {
    let isLive = true;
    value.value = null;
    problem.value = '';
    ask?.().then(
      (found) => isLive && (value.value = found),
      (error: unknown) => isLive && (problem.value = error instanceof Error ? error.message : String(error)),
    );
    return () => {
      isLive = false;
    };
  }, [key]);
  return { value, problem };
}
