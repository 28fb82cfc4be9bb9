package plan_test

import (
	"testing"

	"upline.dev/upline/core/plan"
)

func TestParseMinimal(t *testing.T) {
	t.Parallel()
	p, err := plan.Parse([]byte(`{"name":"flat","components":[{"id":"retail","type":"retail","rates":[{"rate":"0.05"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s\n%s", p.Canonical(), p.Hash())
	_, err = plan.Parse([]byte(`{"name":"Flat","pv":1,"components":[{"id":"retail","type":"retail","gv":"1","rates":[{"rate":5,"rank":"x"}]}]}`))
	t.Log(err)
}
