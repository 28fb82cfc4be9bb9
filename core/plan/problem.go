package plan

import (
	"fmt"
	"strings"
)

// Problem is one thing wrong with a plan.
type Problem struct {
	Path   string // where, for example components[1].rates[0].levels[2]; "" for the document as a whole
	Reason string // what is wrong, as the rest of a sentence that begins with the path
	Mend   string // what to write instead
}

// String is the problem as one line.
func (p Problem) String() string {
	where := p.Path
	if where == "" {
		where = "the plan"
	}
	return fmt.Sprintf("%s %s: %s", where, p.Reason, p.Mend)
}

// Invalid is the error for a document that is no sound plan. It names every problem found.
type Invalid struct {
	Problems []Problem
}

// Error lists the problems, one per line.
func (e *Invalid) Error() string {
	lines := make([]string, len(e.Problems))
	for i, problem := range e.Problems {
		lines[i] = problem.String()
	}
	return "plan: " + strings.Join(lines, "\n")
}

// firstPerPath keeps the first problem of each path: a text that is missing need not also be called malformed.
func firstPerPath(problems []Problem) []Problem {
	seen := make(map[string]bool, len(problems))
	kept := problems[:0]
	for _, problem := range problems {
		if !seen[problem.Path] {
			seen[problem.Path] = true
			kept = append(kept, problem)
		}
	}
	return kept
}
