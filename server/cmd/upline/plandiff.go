package main

import (
	"encoding/json"
	"fmt"
	"os"

	"upline.dev/upline/core/plan"
	"upline.dev/upline/server/planfile"
)

// PlanDiffCmd says how two plans differ.
type PlanDiffCmd struct {
	Before string `arg:"" help:"Plan document, YAML or JSON."`
	After  string `arg:"" help:"The plan it is compared with."`
	JSON   bool   `name:"json" help:"Print one JSON list instead of text."`
}

// Run carries it out.
func (cmd *PlanDiffCmd) Run(env *environment) error {
	before, err := readPlanFile(cmd.Before)
	if err != nil {
		return err
	}
	after, err := readPlanFile(cmd.After)
	if err != nil {
		return err
	}
	changes := plan.Diff(before, after)
	if cmd.JSON {
		list := make([]changeJSON, len(changes))
		for i, change := range changes {
			list[i] = changeJSON(change)
		}
		encoder := json.NewEncoder(env.stdout)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(list)
	}
	for _, change := range changes {
		fmt.Fprintln(env.stdout, change.Text)
	}
	if len(changes) == 0 {
		fmt.Fprintf(env.stdout, "no difference, hash %s\n", before.Hash())
	}
	return nil
}

type changeJSON struct {
	Path   string `json:"path"`
	Text   string `json:"text"`
	Before string `json:"before"`
	After  string `json:"after"`
}

func readPlanFile(file string) (*plan.Plan, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, wrongSetting("plan file: %v", err)
	}
	p, _, err := planfile.Read(text, file)
	return p, err
}
