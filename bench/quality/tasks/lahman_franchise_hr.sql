-- lahman: home runs of a franchise in the next season, over a foreign key of two columns
CREATE TASK lahman_franchise_hr AS
  PREDICT SUM("Batting"."HR", 0, 1, years)
  FOR EACH "TeamsFranchises"."franchID"
  WHERE COUNT("Teams".*, -1, 0, years) > 0
  WITH (val_anchor = '2008-12-31', test_anchor = '2015-12-31', step = '1 years', eval_anchors = 7)
