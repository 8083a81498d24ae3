-- completejourney: baskets of a household within 14 days
CREATE TASK journey_baskets AS
  PREDICT COUNT_DISTINCT(transactions.basket_id, 0, 14, days)
  FOR EACH households.household_id
  WHERE COUNT(transactions.*, -30, 0, days) > 0
  WITH (val_anchor = '2017-11-01', test_anchor = '2017-12-01', step = '14 days', eval_anchors = 2)
