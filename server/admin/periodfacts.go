package admin

import (
	"strconv"
	"strings"
)

// maxLegs is how many children a position can have at most.
const maxLegs = 255

// checkPeriodFacts reads what only periods need of a person.
func checkPeriodFacts(spec DistributorSpec, d *Distributor, row *rowFaults) {
	d.EnrolledAt = row.date("enrolled_at", spec.EnrolledAt)
	if spec.EnrollerID != "" {
		enroller := given(spec.EnrollerID)
		d.EnrollerID = &enroller
		if enroller != "" && !validID(enroller) {
			row.fault("enroller_id", "%s: use 1 to 64 letters, digits and . _ : @ + -, or - for the sponsor", quote(enroller))
		}
		if enroller != "" && enroller == d.DistributorID {
			row.fault("enroller_id", "%s cannot enrol itself; write - for the sponsor", quote(enroller))
		}
	}
	switch strings.ToLower(spec.Autoship) {
	case "":
	case "no", "false", "0":
		d.Autoship = new(bool)
	case "yes", "true", "1":
		yes := true
		d.Autoship = &yes
	default:
		row.fault("autoship", "%s: write yes or no", quote(spec.Autoship))
	}
	leg := readLeg(spec, row)
	if spec.PlacementParent == "" {
		return
	}
	d.Place = &Place{Parent: given(spec.PlacementParent), Leg: leg}
	if d.Place.Parent != "" && !validPosition(d.Place.Parent) {
		row.fault("placement_parent", "%s: name a position: a distributor's id, or id#2 for the second position", quote(spec.PlacementParent))
	}
}

// readLeg reads a leg; it is needed below a parent, and means nothing without one.
func readLeg(spec DistributorSpec, row *rowFaults) int {
	placed := spec.PlacementParent != "" && spec.PlacementParent != None
	switch text := strings.ToLower(spec.PlacementLeg); {
	case text == "" && placed:
		row.fault("placement_leg", "say which leg of %s: left, right, or a number from 1", quote(spec.PlacementParent))
	case text == "":
	case !placed:
		row.fault("placement_leg", "name the position above in placement_parent too")
	case text == "left":
		return 0
	case text == "right":
		return 1
	default:
		leg, err := strconv.Atoi(text)
		if err != nil || leg < 1 || leg > maxLegs {
			row.fault("placement_leg", "%s: write left, right, or a number from 1 to %d", quote(spec.PlacementLeg), maxLegs)
			return 0
		}
		return leg - 1
	}
	return 0
}

// validPosition holds an id to a distributor's, with the number of a further position.
func validPosition(id string) bool {
	owner, number, more := strings.Cut(id, "#")
	if more {
		n, err := strconv.Atoi(number)
		more = err != nil || n < 2 || strconv.Itoa(n) != number
	}
	return validID(owner) && !more
}
