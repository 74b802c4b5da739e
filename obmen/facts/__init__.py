"""What happened, and the reports over it: orders, returns and money as they were told, whatever system told them."""
