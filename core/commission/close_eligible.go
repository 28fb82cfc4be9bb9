package commission

import (
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/plan"
)

const (
	reasonInactive = "not active in the period"
	reasonRequires = "does not meet what the component requires"
)

// verdict is everybody's answer to one question, by person: whether they may earn where the requirement is this.
type verdict struct {
	requires *plan.Condition
	codes    []uint8
}

const (
	unasked = iota
	allowed
	inactive
	unmet
	noStatus
)

// mayEarn says why a person earns nothing by a component; "" where they may. A person without a status, and a condition
// that cannot be read, fail the close.
func (c *closing) mayEarn(component int, person int32) string {
	requires := c.plan.Components[component].Requires
	v := c.verdict(requires)
	if v.codes[person] == unasked {
		v.codes[person] = c.judge(requires, person)
	}
	switch v.codes[person] {
	case allowed:
		return ""
	case inactive:
		return reasonInactive
	case unmet:
		return reasonRequires
	default:
		return reasonStatus(c.status(person))
	}
}

func (c *closing) status(person int32) genealogy.Status { return c.world.People.Status[person] }

func (c *closing) verdict(requires *plan.Condition) *verdict {
	for i := range c.verdicts {
		if c.verdicts[i].requires == requires {
			return &c.verdicts[i]
		}
	}
	c.verdicts = append(c.verdicts, verdict{requires, make([]uint8, c.world.People.Count)})
	return &c.verdicts[len(c.verdicts)-1]
}

func (c *closing) judge(requires *plan.Condition, person int32) uint8 {
	status := c.status(person)
	if status == "" {
		c.fail(&MissingFact{DistributorID: c.world.People.ID(person), What: "status", Mend: "import the person's standing as of the end of the period"})
		return noStatus
	}
	if !c.plan.MayEarn(string(status)) {
		return noStatus
	}
	if requires == nil {
		if c.standing.Active != nil && !c.standing.Active[person] {
			return inactive
		}
		return allowed
	}
	meets, err := c.in.Meets(requires, person)
	switch {
	case err != nil:
		c.fail(err)
		return unmet
	case !meets:
		return unmet
	default:
		return allowed
	}
}

// rank is what a person is paid as.
func (c *closing) rank(person int32) int { return int(c.standing.Rank[person]) }
