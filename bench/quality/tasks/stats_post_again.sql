-- stats_partial: will somebody who wrote within a year write again within 90 days?
CREATE TASK stats_post_again AS
  PREDICT COUNT(posts.*, 0, 90, days VIA posts.owner_user_id) > 0
  FOR EACH users.id
  WHERE COUNT(posts.*, -1, 0, years VIA posts.owner_user_id) > 0
  WITH (val_anchor = '2012-01-01', test_anchor = '2012-10-01', step = '30 days', eval_anchors = 6)
