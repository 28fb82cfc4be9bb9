package genealogy

// UplineOver is Upline to the top where somebody else than the parent may come next, as in the tree of enrollers: other
// names them for whoever has one, "" with true for nobody, so that the upline ends there. Its faults are those of Upline;
// who is met twice is a Cycle. It takes as long as the upline is.
func (t *Tree) UplineOver(id DistributorID, as AsOf, other func(DistributorID) (DistributorID, bool)) ([]Person, error) {
	who, found := find(&t.ids, &t.people, id)
	if !found {
		return nil, unknown(id, as)
	}
	var upline []Person
	met := map[int32]bool{}
	for child := who; ; {
		p := t.people.at(who)
		parent, known := read(&t.links, &p.link, as)
		if !known {
			return nil, t.missing(child, who, as)
		}
		if met[who] {
			return nil, &Fault{Kind: Cycle, People: []DistributorID{t.id(who)}, Detail: "the upline comes back to them " + then(as)}
		}
		met[who] = true
		person := t.view(p, as)
		upline = append(upline, person)
		next := int32(parent) - 1
		if name, given := other(person.ID); given && name == "" {
			next = -1
		} else if given {
			if next, found = find(&t.ids, &t.people, name); !found {
				return nil, unknown(name, as)
			}
		}
		if next < 0 {
			return upline, nil
		}
		child, who = who, next
	}
}
