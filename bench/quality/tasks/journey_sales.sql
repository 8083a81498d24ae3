-- completejourney: what a household spends within 30 days
CREATE TASK journey_sales AS
  PREDICT SUM(transactions.sales_value, 0, 30, days)
  FOR EACH households.household_id
  WHERE COUNT(transactions.*, -30, 0, days) > 0
  WITH (val_anchor = '2017-10-01', test_anchor = '2017-11-01', step = '30 days', eval_anchors = 1)
