-- rel-f1: does a driver qualify among the first three in the next 30 days?
CREATE TASK driver_top3 AS
  PREDICT MIN(qualifying.position, 0, 30, days) <= 3
  FOR EACH drivers.driverId
  WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01', step = '30 days', eval_anchors = 40)
