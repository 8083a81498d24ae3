-- stats_partial: will a user get a badge within 91 days?
CREATE TASK stats_badge AS
  PREDICT COUNT(badges.*, 0, 91, days) > 0
  FOR EACH users.id
  WITH (val_anchor = '2011-06-01', test_anchor = '2012-06-01', step = '91 days', eval_anchors = 3)
