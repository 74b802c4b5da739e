"""The seller's own rules between the source's number and the channel's: pure functions, no memory."""
