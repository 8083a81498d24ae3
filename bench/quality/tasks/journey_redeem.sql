-- completejourney: does a household redeem a coupon within 30 days?
CREATE TASK journey_redeem AS
  PREDICT COUNT(coupon_redemptions.*, 0, 30, days) > 0
  FOR EACH households.household_id
  WITH (val_anchor = '2017-10-01', test_anchor = '2017-11-01', step = '10 days', eval_anchors = 3)
