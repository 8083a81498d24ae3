package scan

import (
	"fmt"
	"slices"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
)

// Model is a network of event-time messages and decayed states for one task over one
// schema. Its parameters change only in training; a trained model is safe for concurrent
// use.
type Model struct {
	Config  model.Config
	Entity  string // entity table
	Types   []string
	Edges   []conv.EdgeType
	Encoder []*encode.Table // per table; nil for tables that nothing reads
	States  []string        // paths that keep states
	Ranked  []bool          // per table: its numbers are ranked among rows of one time
	Levels  [][]string      // per table: columns of which only ranks are read
	Params  *nn.Set
	Meta    model.Metadata

	entity  int
	plan    *plan
	feature []*features  // per table; nil like Encoder
	senders [][]*sender  // per layer from 1, per table
	priors  [][]prior    // per layer from 1, per state
	norm    [2]*nn.Param // mean and variance of the readout over training seeds
	head    [2]*nn.Param // weights of what does not change in training, and of the rest
	bias    *nn.Param
	width   [2]int // of the readout: what does not change, and the rest
}

// sender makes the messages of a table's rows in one layer:
//
//	m = relu([x, reads] W + b + sum over ancestors a of x_a U_a + sum over reads r of M_r R_r)
//
// with reads the decayed means of features that parents had gathered before the row, and
// M those of the messages of the layer below.
type sender struct {
	own, bias *nn.Param
	ups       []upward
	reads     []reading
}

// upward is what an ancestor's own features add to a message.
type upward struct {
	path *path
	by   *nn.Param // features x width
}

// reading is what the states of a parent add to a message.
type reading struct {
	path  *path
	state int
	by    *nn.Param // of the layer below: rates*width x width
}

// prior draws the means of few rows towards a value: w = softplus(weight) rows of it.
type prior struct{ weight, mean *nn.Param }

// New builds a model with fresh parameters drawn from seed. enc holds the fitted encoder
// of each table of g; those that nothing reads are left out. What states are kept, and
// which tables are ranked, is judged by the rows visible at an instant.
func New(c model.Config, g *graph.Graph, entity int, enc []*encode.Table, rule ingest.TimeRule, at int64, seed uint64) (*Model, error) {
	if err := c.ValidateScan(); err != nil {
		return nil, fmt.Errorf("model config: %w", err)
	}
	m := &Model{Config: c, Edges: model.EdgeTypes(g), Encoder: slices.Clone(enc), States: lasting(g, c.Hops, rule, at)}
	for i, t := range g.Snap.Tables {
		m.Types = append(m.Types, t.Def.FullName())
		m.Ranked, m.Levels = append(m.Ranked, ranks(t, rule, at)), append(m.Levels, nil)
		if enc[i] != nil {
			var err error
			if m.Encoder[i], m.Levels[i], err = choose(t, enc[i], m.Ranked[i], rule, at); err != nil {
				return nil, err
			}
		}
	}
	m.Entity = m.Types[entity]
	p := newPlan(m.Edges, entity, c.Hops, c.Layers, m.States, m.Encoder)
	for t := range m.Encoder {
		if !p.reach[t] {
			m.Encoder[t] = nil
		}
	}
	return m, m.build(seed)
}

// build creates plan and parameters from what the file holds.
func (m *Model) build(seed uint64) error {
	if m.entity = slices.Index(m.Types, m.Entity); m.entity < 0 || m.Encoder[m.entity] == nil {
		return fmt.Errorf("model has no encoder of its entity table %q", m.Entity)
	}
	c := m.Config
	m.plan = newPlan(m.Edges, m.entity, c.Hops, c.Layers, m.States, m.Encoder)
	m.feature = make([]*features, len(m.Encoder))
	for t, e := range m.Encoder {
		if e != nil {
			m.feature[t] = newFeatures(e, m.Ranked[t], m.Levels[t])
		}
	}
	m.Params = nn.NewSet(seed)
	m.senders, m.priors = make([][]*sender, c.Layers+1), make([][]prior, c.Layers+1)
	for l := 1; l <= c.Layers; l++ {
		m.senders[l] = make([]*sender, len(m.Types))
		for t, ok := range m.plan.sends[l] {
			if ok {
				m.senders[l][t] = m.newSender(l, t)
			}
		}
		m.priors[l] = make([]prior, len(m.plan.states))
		for s, p := range m.plan.states {
			if m.plan.made[l][p.to] {
				m.priors[l][s] = m.newPrior(fmt.Sprintf("layer%d.prior.%q", l, p.name))
			}
		}
	}
	m.width = [2]int{extras, 0}
	for _, s := range m.plan.slots {
		if s.via < 0 {
			m.width[0] += m.feature[s.table].width
		}
		for _, k := range m.plan.into[s.table] {
			m.width[0] += m.rawWidth(k)
			m.width[1] += len(c.HalfLives) * c.Width
		}
	}
	m.norm[0] = m.Params.Buffer("head.mean", 1, m.width[0]+m.width[1], nn.Zeros)
	m.norm[1] = m.Params.Buffer("head.variance", 1, m.width[0]+m.width[1], nn.Ones)
	m.head[0] = m.Params.New("head.features", m.width[0], c.Outputs, nn.Zeros)
	m.head[1] = m.Params.New("head.messages", m.width[1], c.Outputs, nn.Zeros)
	m.bias = m.Params.New("head.bias", 1, c.Outputs, nn.Zeros)
	m.bias.Decay = false
	return nil
}

func (m *Model) newPrior(name string) prior {
	p := prior{m.Params.New(name+".weight", 1, len(m.Config.HalfLives), nn.Zeros), m.Params.New(name+".mean", 1, m.Config.Width, nn.Zeros)}
	p.weight.Decay, p.mean.Decay = false, false
	return p
}

// rawWidth is the number of columns that the features of a state's rows give to a reader:
// for each rate the decayed means and the log of the decayed count, and the days since
// the youngest row.
func (m *Model) rawWidth(state int) int {
	return len(m.Config.HalfLives)*(m.feature[m.plan.states[state].from].width+1) + 1
}

// newSender creates the parameters of the messages of a table in layer l.
func (m *Model) newSender(l, t int) *sender {
	d, name := m.Config.Width, fmt.Sprintf("layer%d.%q", l, m.Types[t])
	s, in := &sender{}, m.feature[t].width
	for i := range m.plan.paths[t] {
		p := &m.plan.paths[t][i]
		if f := m.feature[p.to]; f != nil && f.width > 0 {
			s.ups = append(s.ups, upward{p, m.Params.New(fmt.Sprintf("%s.up.%q", name, p.name), f.width, d, nn.Zeros)})
		}
		if l == 1 || len(p.steps) > 1 {
			continue
		}
		for _, k := range m.plan.into[p.to] {
			in += m.rawWidth(k)
			read := fmt.Sprintf("%s.read.%q.%q", name, p.name, m.plan.states[k].name)
			s.reads = append(s.reads, reading{p, k, m.Params.New(read, len(m.Config.HalfLives)*d, d, nn.KaimingUniform)})
		}
	}
	s.own = m.Params.New(name+".own", in, d, nn.KaimingUniform)
	s.bias = m.Params.New(name+".bias", 1, d, nn.Zeros)
	s.bias.Decay = false
	return s
}

// String sums the model up in one line.
func (m *Model) String() string {
	return fmt.Sprintf("scan(layers %d, width %d, half-lives %v d), %d states over up to %d foreign keys, %d features and %d channels read, %d parameters",
		m.Config.Layers, m.Config.Width, m.Config.HalfLives, len(m.plan.states), m.Config.Hops, m.width[0], m.width[1], m.Params.Count())
}

// Parameters implements [model.Network].
func (m *Model) Parameters() int { return m.Params.Count() }

// About implements [model.Network].
func (m *Model) About() *model.Metadata { return &m.Meta }

// Options implements [model.Network].
func (m *Model) Options() model.Config { return m.Config }
