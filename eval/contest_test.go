package eval_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"fsdfm/eval"
)

// scripted is a contestant whose samples tell what was asked for.
func scripted(model string, asked *[]eval.Draw) eval.Contestant {
	return eval.Contestant{
		Model: model, Solver: "euler", Budgets: []int{1, 4}, Frontier: []int{4}, Batch: 2,
		Draw: func(_ context.Context, d eval.Draw) ([][]int32, error) {
			calls := d.Budget * 2 // two batches of two for three rows
			for i := range calls {
				d.Progress(i + 1)
			}
			d.Progress = nil
			*asked = append(*asked, d)
			row := []int32{1, 2, 3, int32(d.Seed)}
			return [][]int32{row, row, row}, nil
		},
	}
}

func TestContest(t *testing.T) {
	var asked []eval.Draw
	var told []int
	c := eval.Contest{
		Meter: eval.NewMeter(even{}, letters, nil, []int32{1, 2, 3}), Models: []eval.Contestant{scripted(eval.Student, &asked)},
		Rows: 3, Seeds: []uint64{5, 6}, Temperatures: []float64{0.5, 1}, Samples: 1,
		Progress: func(done, total int) { told = append(told, done); told[0] = total },
	}
	var r eval.Report
	if err := c.Run(context.Background(), &r); err != nil {
		t.Fatal(err)
	}
	want := []eval.Draw{
		{Budget: 1, Rows: 3, Seed: 5, Temperature: 1}, {Budget: 1, Rows: 3, Seed: 6, Temperature: 1},
		{Budget: 4, Rows: 3, Seed: 5, Temperature: 1}, {Budget: 4, Rows: 3, Seed: 6, Temperature: 1},
		{Budget: 4, Rows: 3, Seed: 5, Temperature: 0.5},
	}
	if !reflect.DeepEqual(asked, want) {
		t.Errorf("drew %v, want %v", asked, want)
	}
	const total = 2 * (1 + 1 + 4 + 4 + 4)
	if told[0] != total || told[len(told)-1] != total || !slices.IsSorted(told[1:]) {
		t.Errorf("told of %v, want to rise to %d", told, total)
	}
	if r.Seeds != 2 || len(r.Results) != 2 || r.Results[1].Budget != 4 || r.Results[1].Model != eval.Student || r.Results[1].Temperature != 1 {
		t.Errorf("results %+v", r.Results)
	}
	if len(r.Frontier) != 1 || r.Frontier[0].Temperature != 0.5 || r.Frontier[0].Budget != 4 {
		t.Errorf("frontier %+v", r.Frontier)
	}
	if want := []eval.Samples{{Model: eval.Student, Budget: 1, Texts: []string{"abce"}}, {Model: eval.Student, Budget: 4, Texts: []string{"abce"}}}; !reflect.DeepEqual(r.Samples, want) {
		t.Errorf("samples %+v, want those of the first seed %+v", r.Samples, want)
	}
}

func TestContestAtAModelsOwnTemperature(t *testing.T) {
	var asked []eval.Draw
	hot := scripted(eval.Student, &asked)
	hot.Temperature = 1.5
	total := 0
	c := eval.Contest{
		Meter: eval.NewMeter(even{}, letters, nil, []int32{1, 2, 3}), Models: []eval.Contestant{hot},
		Rows: 3, Seeds: []uint64{5}, Temperatures: []float64{1, 1.5}, Progress: func(_, all int) { total = all },
	}
	var r eval.Report
	if err := c.Run(context.Background(), &r); err != nil {
		t.Fatal(err)
	}
	var got []float64
	for _, d := range asked {
		got = append(got, d.Temperature)
	}
	if want := []float64{1.5, 1.5, 1}; !slices.Equal(got, want) || total != 2*(1+4+4) {
		t.Errorf("drew at %v in %d evaluations, want %v in 18", got, total, want)
	}
	if r.Results[0].Temperature != 1.5 || len(r.Frontier) != 1 || r.Frontier[0].Temperature != 1 {
		t.Errorf("results %+v, frontier %+v", r.Results, r.Frontier)
	}
	var table, markdown strings.Builder
	if err := errors.Join(eval.WriteTable(&table, r), eval.WriteMarkdown(&markdown, r)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{table.String(), markdown.String()} {
		if !strings.Contains(text, "temperature 1.5") {
			t.Errorf("the table hides the temperature:\n%s", text)
		}
	}
}

func TestContestErrors(t *testing.T) {
	broken := eval.Contestant{Model: eval.Teacher, Budgets: []int{8}, Batch: 1, Draw: func(context.Context, eval.Draw) ([][]int32, error) {
		return nil, errors.New("no")
	}}
	c := eval.Contest{Models: []eval.Contestant{broken}, Rows: 1, Seeds: []uint64{1}}
	if err := c.Run(context.Background(), new(eval.Report)); err == nil || err.Error() != "teacher at 8 steps: no" {
		t.Errorf("error %v", err)
	}
}
