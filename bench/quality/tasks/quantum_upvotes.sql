-- stackexchange_quantum: upvotes of a question within 14 days
CREATE TASK quantum_upvotes AS
  PREDICT COUNT(votes.* WHERE votes.vote_type_id = 2, 0, 14, days)
  FOR EACH posts.id
  WHERE posts.post_type_id = 1 AND posts.owner_user_id IS NOT NULL
  WITH (val_anchor = '2018-06-15', test_anchor = '2018-07-15', step = '14 days', eval_anchors = 2)
