"""Which rows make a minibatch, and which rows are held out."""
