-- lahman: home runs of a player in the next season
CREATE TASK lahman_hr AS
  PREDICT SUM("Batting"."HR", 0, 1, years)
  FOR EACH "People"."playerID"
  WHERE COUNT("Batting".*, -1, 0, years) > 0
  WITH (val_anchor = '2012-12-31', test_anchor = '2017-12-31', step = '1 years', eval_anchors = 4)
