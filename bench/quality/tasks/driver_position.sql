-- rel-f1: mean place of a driver's races in the next 60 days; anchors and splits as RelBench has them
CREATE TASK driver_position AS
  PREDICT AVG(results.positionOrder, 0, 60, days)
  FOR EACH drivers.driverId
  WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01', step = '60 days', eval_anchors = 40)
