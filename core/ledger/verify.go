package ledger

import "fmt"

// WholeBatch is the Position of a finding about a batch and not about one posting.
const WholeBatch = -1

// Finding is one thing that is wrong in the books.
type Finding struct {
	BatchSequence int64
	EventID       string // of the posting, where it is there
	Position      int    // in the batch, from 0, or WholeBatch
	What          string // one sentence for a person
}

// Verifier recomputes a program's chain of batches. It is fed batch after batch in the order of their sequence. One
// altered byte gives a finding where it is, and does not make the sound batches after it suspect.
type Verifier struct {
	program string
	last    Seal
}

// NewVerifier starts at the beginning of the program's chain.
func NewVerifier(program string) *Verifier { return &Verifier{program: program} }

// Head is the last seal that was fed, to be held against the root that was published: only that comparison finds
// batches cut off from the end, or a chain rewritten as a whole. It is the zero Seal before the first batch.
func (v *Verifier) Head() Seal { return v.last }

// Batch recomputes one batch from its postings in the order in which they were sealed. It returns what is wrong, and
// nothing when all is sound. No input makes it panic.
func (v *Verifier) Batch(s Seal, postings []Posting, storedLeaves [][32]byte) []Finding {
	findings := v.chain(s)
	findings = append(findings, sealed(s, storedLeaves)...)
	findings = append(findings, v.flaws(s, postings)...)
	computed := Leaves(postings)
	if len(postings) == len(storedLeaves) {
		findings = append(findings, changed(s, postings, computed, storedLeaves)...)
	} else {
		findings = append(findings, unmatched(s, postings, computed, storedLeaves)...)
	}
	v.last = s
	return findings
}

// chain holds a seal against the one before.
func (v *Verifier) chain(s Seal) []Finding {
	var findings []Finding
	say := func(format string, arguments ...any) {
		findings = append(findings, Finding{BatchSequence: s.Sequence, Position: WholeBatch, What: fmt.Sprintf(format, arguments...)})
	}
	if s.ProgramID != v.program {
		say("the seal is of program %s, not of %s", quote(s.ProgramID), quote(v.program))
	}
	if s.Sequence != v.last.Sequence+1 {
		say("the batch follows batch %d, so its sequence should be %d", v.last.Sequence, v.last.Sequence+1)
	}
	if s.Previous != v.last.Hash {
		say("the seal names %s as the hash of the batch before, which is %s", s.Previous, v.last.Hash)
	}
	if want := s.ChainHash(); s.Hash != want {
		say("the seal's hash is %s, but its fields give %s", s.Hash, want)
	}
	return findings
}

// sealed holds the stored leaf hashes against the seal's root.
func sealed(s Seal, storedLeaves [][32]byte) []Finding {
	if s.Leaves != len(storedLeaves) {
		return []Finding{{
			BatchSequence: s.Sequence, Position: WholeBatch,
			What: fmt.Sprintf("the seal counts %d postings, but %d leaf hashes are stored", s.Leaves, len(storedLeaves)),
		}}
	}
	root, err := Root(storedLeaves)
	if err != nil {
		return []Finding{{BatchSequence: s.Sequence, Position: WholeBatch, What: "the batch is empty"}}
	}
	if s.Root != root {
		return []Finding{{
			BatchSequence: s.Sequence, Position: WholeBatch,
			What: fmt.Sprintf("the seal's root is %s, but the stored leaf hashes give %s", s.Root, Hash(root)),
		}}
	}
	return nil
}

// flaws finds postings that could not have been written by Difference or another rule of the ledger.
func (v *Verifier) flaws(s Seal, postings []Posting) []Finding {
	var findings []Finding
	seen := make(map[string]int, len(postings))
	for i := range postings {
		posting := &postings[i]
		what := flaw(posting)
		if what == "" && posting.ProgramID != v.program {
			what = "the posting is of program " + quote(posting.ProgramID)
		}
		if first, twice := seen[posting.EventID]; twice && what == "" {
			what = fmt.Sprintf("its event id is also that of posting %d", first)
		}
		seen[posting.EventID] = i
		if what != "" {
			findings = append(findings, Finding{s.Sequence, posting.EventID, i, what})
		}
	}
	return findings
}

// changed compares posting by posting; the count is right.
func changed(s Seal, postings []Posting, computed, storedLeaves [][32]byte) []Finding {
	var findings []Finding
	for i := range postings {
		if computed[i] != storedLeaves[i] {
			findings = append(findings, Finding{
				s.Sequence, postings[i].EventID, i,
				fmt.Sprintf("the posting gives leaf hash %s, but %s is stored: one of the two was altered",
					Hash(computed[i]), Hash(storedLeaves[i])),
			})
		}
	}
	return findings
}

// unmatched pairs postings and stored leaf hashes by the hash when their numbers differ, since one that is missing
// moves all positions after it.
func unmatched(s Seal, postings []Posting, computed, storedLeaves [][32]byte) []Finding {
	findings := []Finding{{
		BatchSequence: s.Sequence, Position: WholeBatch,
		What: fmt.Sprintf("%d postings were found, but %d leaf hashes are stored", len(postings), len(storedLeaves)),
	}}
	open := make(map[[32]byte]int, len(storedLeaves))
	for _, leaf := range storedLeaves {
		open[leaf]++
	}
	for i, leaf := range computed {
		if open[leaf] > 0 {
			open[leaf]--
			continue
		}
		findings = append(findings, Finding{
			s.Sequence, postings[i].EventID, i,
			"the posting's leaf hash is not among those stored: it was added or altered",
		})
	}
	for i, leaf := range storedLeaves {
		if open[leaf] > 0 {
			open[leaf]--
			findings = append(findings, Finding{
				BatchSequence: s.Sequence, Position: i,
				What: fmt.Sprintf("no posting was found for stored leaf hash %s: it was removed or altered", Hash(leaf)),
			})
		}
	}
	return findings
}
