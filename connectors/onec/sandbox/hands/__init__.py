"""What people in 1C do: they enter goods, set prices, move stock, serve customers. Each makes real documents."""
