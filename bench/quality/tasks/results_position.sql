-- rel-f1: place of a car in a race, from what is written at the time of the race; columns hidden as RelBench hides them
CREATE TASK results_position AS
  PREDICT results.position
  FOR EACH results AT ENTITY TIME
  WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01', metric = r2,
        mask = ('results.statusId', 'results.positionOrder', 'results.points', 'results.laps', 'results.milliseconds', 'results.fastestLap', 'results.rank'))
