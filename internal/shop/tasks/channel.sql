-- Through which channel will each customer's last order of the next 30 days come?
-- Customers without an order in the window have no label.
CREATE TASK channel AS
  PREDICT LAST(orders.channel, 0, 30, days)
  FOR EACH customers
  WITH (val_anchor = '2024-07-05', test_anchor = '2024-10-03', step = '30 days', eval_anchors = 3,
        data_from = '2023-04-12', data_until = '2025-01-01');
