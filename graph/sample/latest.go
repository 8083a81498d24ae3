package sample

func init() { strategies.Add("latest", latest{}) }

// latest reads the newest visible children. Cost: O(Want).
type latest struct{}

var (
	_ Strategy = latest{}
	_ drawless = latest{}
)

func (latest) drawless() {}

func (latest) Pick(c *Choice, out []int32) []int32 {
	return run(out, max(0, c.N-c.Want), c.N)
}
