-- stackexchange_quantum: comments that an author gets within 30 days, two foreign keys away
CREATE TASK quantum_comments_received AS
  PREDICT COUNT(comments.*, 0, 30, days VIA (comments.post_id, posts.owner_user_id))
  FOR EACH users.id
  WHERE COUNT(posts.*, -INF, 0 VIA posts.owner_user_id) > 0
  WITH (val_anchor = '2018-06-01', test_anchor = '2018-07-01', step = '10 days', eval_anchors = 1)
