-- rel-f1: on which circuits will a driver race within a year? Ten are named
CREATE TASK driver_circuit_compete AS
  PREDICT LIST_DISTINCT(results.raceId->circuitId, 0, 365, days) RANK TOP 10
  FOR EACH drivers
  WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01', step = '365 days')
