-- rel-f1: place of a car in a qualifying
CREATE TASK qualifying_position AS
  PREDICT qualifying.position
  FOR EACH qualifying AT ENTITY TIME
  WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01', metric = r2)
