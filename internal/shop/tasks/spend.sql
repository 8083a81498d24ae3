-- How much will each active customer spend in the next 30 days?
CREATE TASK spend AS
  PREDICT SUM(orders.total, 0, 30, days)
  FOR EACH customers
  WHERE COUNT(orders.*, -90, 0, days) > 0
  WITH (val_anchor = '2024-07-05', test_anchor = '2024-10-03', step = '30 days', eval_anchors = 3,
        data_from = '2023-04-12', data_until = '2025-01-01');
