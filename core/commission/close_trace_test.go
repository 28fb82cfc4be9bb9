package commission_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/period"
)

const fourRanks = `"currency":"USD","ranks":["member","silver","gold","diamond"],"volume":{"money":{"USD":"1"}}`

// reference are the worked examples of docs/plans.md that are settled per period.
var reference = []struct {
	name    string
	plan    string
	members []member
	sales   []period.Sale
	earned  [][]int64
	want    []string
}{
	{
		"w1-levels-by-rank",
		`{"name":"w1",` + fourRanks + `,"components":[{"id":"team","type":"unilevel","period":"monthly","base":"cv","commissionable":"40%","levels_from":"buyer","rates":[
{"rank":"member","levels":["5%"]},{"rank":"silver","levels":["5%","5%"]},{"rank":"gold","levels":["5%","5%","5%"]},{"rank":"diamond","levels":["5%","5%","5%","5%","5%"]}]}]}`,
		[]member{{id: "Top", rank: "diamond"}, {id: "Sponsor", up: "Top", rank: "gold"}, {id: "A", up: "Sponsor", rank: "silver"}, {id: "B", up: "A"}},
		[]period.Sale{sold(3, 150), sold(3, 50)},
		nil,
		[]string{"team Top 400", "team Sponsor 400", "team A 400", "team B 400"},
	},
	{
		"w2-flat", `{"name":"w2",` + fourRanks + `,"components":[{"id":"team","type":"unilevel","period":"monthly","base":"net","levels_from":"buyer","rates":[{"levels":["5%","3%","1%"]}]}]}`,
		[]member{{id: "A"}, {id: "B", up: "A"}, {id: "C", up: "B"}, {id: "D", up: "C"}},
		[]period.Sale{sold(3, 100)},
		nil,
		[]string{"team B 100", "team C 300", "team D 500"},
	},
	{
		"w4-no-compression", `{"name":"w4",` + fourRanks + `,"components":[{"id":"team","type":"unilevel","period":"monthly","base":"cv","rates":[{"levels":["10%","5%","2%"]}]}]}`,
		[]member{{id: "R"}, {id: "A", up: "R"}, {id: "B", up: "A", status: genealogy.Inactive}, {id: "C", up: "B"}, {id: "D", up: "C"}},
		[]period.Sale{sold(4, 100)},
		nil,
		[]string{"team A 200", "team C 1000", "team B 500 breakage: status inactive"},
	},
	{
		"w4-dynamic", `{"name":"w4",` + fourRanks + `,"components":[{"id":"team","type":"unilevel","period":"monthly","base":"cv","compression":"dynamic","rates":[{"levels":["10%","5%","2%"]}]}]}`,
		[]member{{id: "R"}, {id: "A", up: "R"}, {id: "B", up: "A", idle: true}, {id: "C", up: "B"}, {id: "D", up: "C"}},
		[]period.Sale{sold(4, 60), sold(4, 40)},
		nil,
		[]string{"team R 200", "team A 500", "team C 1000"},
	},
	{
		"w10-generations", `{"name":"w10",` + fourRanks + `,"components":[{"id":"gen","type":"generation","period":"monthly","base":"cv","generation":{"boundary":"gold"},"rates":[
{"levels":[]},{"rank":"gold","levels":["10%","7%"]}]}]}`,
		[]member{{id: "Alice", rank: "gold"}, {id: "Bob", up: "Alice"}, {id: "Carol", up: "Bob"}, {id: "Dave", up: "Carol", rank: "gold"}, {id: "Eve", up: "Dave"}},
		[]period.Sale{sold(4, 100)},
		nil,
		[]string{"gen Alice 700", "gen Dave 1000"},
	},
	{
		"w13-person-cap", `{"name":"w13",` + fourRanks + `,"components":[{"id":"retail","type":"retail","rates":[{"rate":"1%"}]},
{"id":"team","type":"unilevel","period":"monthly","base":"net","levels_from":"buyer","rates":[{"levels":["50%"]}]}],
"caps":[{"id":"most","scope":"person","limit":"50000","enforce":"hard","per":"period"}]}`,
		[]member{{id: "A"}},
		[]period.Sale{sold(0, 123_000)},
		[][]int64{{500_00}},
		[]string{"team A 6150000", "team A cap most takes 1200000"},
	},
	{
		"stairstep", `{"name":"stairs",` + fourRanks + `,"components":[{"id":"stairs","type":"differential","period":"monthly","base":"cv",
"differential":{"breakaway":"diamond","overrides":["5%","3%"],"same_rank":"6%"},"rates":[{"rate":"5%"},{"rank":"silver","rate":"10%"},{"rank":"gold","rate":"15%"},{"rank":"diamond","rate":"20%"}]}]}`,
		[]member{{id: "A", rank: "diamond"}, {id: "B", up: "A", rank: "diamond"}, {id: "C", up: "B", rank: "gold", idle: true}, {id: "D", up: "C", rank: "silver"}, {id: "E", up: "D"}},
		[]period.Sale{sold(4, 100)},
		nil,
		[]string{"stairs A 600", "stairs B 1000", "stairs D 500", "stairs E 500"}, // E 5, D 10 - 5, B 20 - 10; A 5 as override, 6 as B is of the same rank.
	},
}

func TestCloseReference(t *testing.T) {
	t.Parallel()
	for _, c := range reference {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := mustPlan(t, c.plan)
			in := monthOf(t, p, c.members, c.sales...)
			in.Earned = c.earned
			got, err := commission.Close(in, p)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, books(in, p, got)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			goldenTraces(t, c.name, traces(t, got))
		})
	}
}

// traces are all snapshots of a closing, checked by themselves.
func traces(t rapid.TB, c *commission.Closing) [][]byte {
	var out [][]byte
	awards := c.Awards()
	for i := range awards {
		snapshot, err := c.Trace(nil, &awards[i])
		if err != nil {
			t.Fatal(err)
		}
		again, err := commission.RecomputeAward(snapshot)
		if err != nil {
			t.Fatalf("%v\n%s", err, snapshot)
		}
		if again.Award.AmountMinor != awards[i].AmountMinor || again.PaidMinor != awards[i].PaidMinor() {
			t.Fatalf("award %+v, snapshot %s", awards[i], snapshot)
		}
		out = append(out, snapshot)
	}
	for _, cut := range c.Cuts() {
		if c.Closes(cut.Component) {
			continue
		}
		snapshot, err := c.TraceCut(nil, &cut)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := commission.RecomputeAward(snapshot); err != nil || again.PaidMinor != -cut.CutMinor {
			t.Fatalf("%v\n%s", err, snapshot)
		}
		out = append(out, snapshot)
	}
	return out
}

// goldenTraces compares snapshots, one a line, and what they tell, with the files of a case.
func goldenTraces(t *testing.T, name string, snapshots [][]byte) {
	t.Helper()
	var told strings.Builder
	for i, snapshot := range snapshots {
		trace, err := commission.RecomputeAward(snapshot)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			told.WriteString("\n")
		}
		told.WriteString(trace.Text(func(id string) string { return "<" + id + ">" }))
	}
	golden(t, filepath.Join("period", name+".jsonl"), string(bytes.Join(snapshots, []byte("\n")))+"\n")
	golden(t, filepath.Join("period", name+".txt"), told.String())
}

// shuffled gives the same sales in other blocks and another order.
type shuffled [][]period.Sale

func (s shuffled) Blocks() int                                         { return len(s) }
func (s shuffled) Block(i int, _ []period.Sale) ([]period.Sale, error) { return s[i], nil }

// backwards runs the last first.
func backwards(n int, f func(i int) error) error {
	for i := n - 1; i >= 0; i-- {
		if err := f(i); err != nil {
			return err
		}
	}
	return nil
}

// Every snapshot is enough for its amount, and has the same bytes whatever the order of sales, blocks and work.
func TestTracesAreEnoughAndTheSameEverywhere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := levelPlan(t)
		in := drawCompany(t, p)
		first, err := commission.Close(in, p)
		if err != nil {
			t.Fatal(err)
		}
		sales, _ := in.World.Sales.Block(0, nil)
		sales = rapid.Permutation(slices.Clone(sales)).Draw(t, "order")
		at := rapid.IntRange(0, len(sales)).Draw(t, "block")
		world := *in.World
		world.Sales = shuffled{sales[:at], nil, sales[at:]}
		in.World, in.Parallel = &world, backwards
		second, err := commission.Close(in, p)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := bytes.Join(traces(t, first), []byte("\n")), bytes.Join(traces(t, second), []byte("\n")); !bytes.Equal(a, b) {
			t.Fatalf("%s\n\n%s", a, b)
		}
	})
}

func TestRecomputeAwardNoticesEveryChangedDigit(t *testing.T) {
	t.Parallel()
	changed := 0
	for _, c := range reference {
		p := mustPlan(t, c.plan)
		in := monthOf(t, p, c.members, c.sales...)
		in.Earned = c.earned
		closing, err := commission.Close(in, p)
		if err != nil {
			t.Fatal(err)
		}
		for _, snapshot := range traces(t, closing) {
			from := bytes.Index(snapshot, []byte(`"base":`))
			end := bytes.Index(snapshot, []byte(`"cuts":`)) // A cap's limit and group leave room.
			if end < 0 {
				end = len(snapshot)
			}
			for _, at := range figure.FindAllIndex(snapshot[from:end], -1) {
				for i := from + at[0] + 1; i < from+at[1]-1; i++ {
					if snapshot[i] < '0' || snapshot[i] > '9' {
						continue
					}
					forged := slices.Clone(snapshot)
					forged[i] = '0' + (forged[i]-'0'+1)%10
					changed++
					if _, err := commission.RecomputeAward(forged); err == nil {
						t.Errorf("byte %d of %s\nforged %s", i, snapshot, forged)
					}
				}
			}
		}
	}
	if changed == 0 {
		t.Error("no digit was changed")
	}
}

func FuzzRecomputeAward(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "period", "*.jsonl"))
	if err != nil || len(files) == 0 {
		f.Fatal("no examples", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, line := range bytes.Split(text, []byte("\n")) {
			f.Add(line)
		}
	}
	f.Fuzz(func(t *testing.T, snapshot []byte) {
		trace, err := commission.RecomputeAward(snapshot)
		if err != nil {
			return
		}
		if trace.Text(nil) == "" {
			t.Error("nothing is told")
		}
	})
}
