document.querySelectorAll("table.sortable th").forEach(th => {
  const sort = () => {
    const body = th.closest("table").tBodies[0], at = [...th.parentNode.children].indexOf(th), down = th.getAttribute("aria-sort") === "descending";
    th.parentNode.querySelectorAll("th").forEach(o => o.removeAttribute("aria-sort")); th.setAttribute("aria-sort", down ? "ascending" : "descending");
    const value = row => { const t = row.cells[at].textContent.trim(), n = parseFloat(t); return isNaN(n) ? t : n; };
    [...body.rows].sort((a, b) => { const x = value(a), y = value(b); return (x < y ? -1 : x > y ? 1 : 0) * (down ? 1 : -1); }).forEach(r => body.append(r));
  };
  th.tabIndex = 0;
  th.addEventListener("click", sort);
  th.addEventListener("keydown", event => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); sort(); } });
});
