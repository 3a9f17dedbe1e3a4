package eval_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"fsdfm/eval"
)

func TestReadCurves(t *testing.T) {
	got, err := eval.ReadCurves(strings.NewReader(`{"stage":"pretrain","step":10,"loss":4,"lr":0.1}
{"stage":"pretrain","step":20,"loss":3}
{"stage":"pretrain","step":20,"eval_loss":3.5}
{"stage":"distill","step":10,"loss":1}
{"stage":"distill","st`))
	want := []eval.Curve{
		{Stage: "pretrain", Train: []eval.Point{{Step: 10, Loss: 4}, {Step: 20, Loss: 3}}, HeldOut: []eval.Point{{Step: 20, Loss: 3.5}}},
		{Stage: "distill", Train: []eval.Point{{Step: 10, Loss: 1}}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestReadCurvesThins(t *testing.T) {
	var b strings.Builder
	for i := 1; i <= 1201; i++ {
		fmt.Fprintf(&b, `{"stage":"pretrain","step":%d,"loss":%d}`+"\n", i, i)
	}
	got, err := eval.ReadCurves(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	points := got[0].Train
	if n := len(points); n != 401 || points[0] != (eval.Point{Step: 3, Loss: 2}) || points[400] != (eval.Point{Step: 1201, Loss: 1201}) {
		t.Errorf("%d points from %v to %v: want means of 3, the last alone", n, points[0], points[len(points)-1])
	}
}
