-- stats_partial: mean views of the posts that a user writes within 60 days
CREATE TASK stats_avg_views AS
  PREDICT AVG(posts.view_count, 0, 60, days VIA posts.owner_user_id)
  FOR EACH users.id
  WITH (val_anchor = '2012-01-01', test_anchor = '2012-10-01', step = '60 days', eval_anchors = 4)
