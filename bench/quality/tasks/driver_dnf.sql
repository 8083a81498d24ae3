-- rel-f1: does a driver fail to finish a race of the next 30 days?
CREATE TASK driver_dnf AS
  PREDICT COUNT(results.* WHERE results.statusId <> 1, 0, 30, days) > 0
  FOR EACH drivers.driverId
  ASSUMING COUNT(results.*, 0, 30, days) > 0
  WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01', step = '30 days', eval_anchors = 40)
