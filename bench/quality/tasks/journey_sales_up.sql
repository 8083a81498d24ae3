-- completejourney: does a household spend more in the next 30 days than in the last?
CREATE TASK journey_sales_up AS
  PREDICT SUM(transactions.sales_value, 0, 30, days) > SUM(transactions.sales_value, -30, 0, days)
  FOR EACH households.household_id
  WITH (val_anchor = '2017-10-01', test_anchor = '2017-11-01', step = '30 days', eval_anchors = 1)
