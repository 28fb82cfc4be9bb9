package adminapi

import (
	"context"
	"fmt"
	"time"
)

// CodesAtOnce is how many codes Shopify takes in one call.
const CodesAtOnce = 250

// codesWait bounds how long one call's codes may take; Shopify adds them in the background.
const codesWait = 5 * time.Minute

// CodeResult is what became of one code.
type CodeResult struct {
	Code   string
	Errors []FieldError // none: it works
}

// Now is the client's clock.
func (c *Client) Now() time.Time { return c.clock().UTC() }

// CreateDiscount makes a discount with its first code, and gives its id.
func (c *Client) CreateDiscount(ctx context.Context, in DiscountCodeBasicInput) (string, error) {
	answer, err := CreateDiscount(ctx, c, in)
	if err != nil {
		return "", err
	}
	var list []FieldError
	for _, e := range answer.DiscountCodeBasicCreate.UserErrors {
		list = append(list, FieldError{e.Field, e.Message, string(e.Code)})
	}
	if err := c.userErrors("CreateDiscount", list); err != nil {
		return "", err
	}
	if answer.DiscountCodeBasicCreate.CodeDiscountNode == nil {
		return "", &Error{Kind: Garbage, Operation: "CreateDiscount", Shop: c.shop, Detail: "neither a discount nor a reason"}
	}
	return answer.DiscountCodeBasicCreate.CodeDiscountNode.Id, nil
}

// AddCodes adds up to CodesAtOnce codes to a discount and waits until Shopify is through with them.
func (c *Client) AddCodes(ctx context.Context, discount string, codes []string) ([]CodeResult, error) {
	inputs := make([]DiscountRedeemCodeInput, len(codes))
	for i, code := range codes {
		inputs[i].Code = code
	}
	answer, err := AddCodes(ctx, c, discount, inputs)
	if err != nil {
		return nil, err
	}
	var list []FieldError
	for _, e := range answer.DiscountRedeemCodeBulkAdd.UserErrors {
		list = append(list, FieldError{e.Field, e.Message, string(e.Code)})
	}
	if err := c.userErrors("AddCodes", list); err != nil {
		return nil, err
	}
	if answer.DiscountRedeemCodeBulkAdd.BulkCreation == nil {
		return nil, &Error{Kind: Garbage, Operation: "AddCodes", Shop: c.shop, Detail: "neither a creation nor a reason"}
	}
	id := answer.DiscountRedeemCodeBulkAdd.BulkCreation.Id
	end := c.clock().Add(codesWait)
	for wait := bulkPollFirst; ; wait = min(2*wait, bulkPollLast) {
		state, err := CodeCreation(ctx, c, id, "")
		if err != nil {
			return nil, err
		}
		if creation := state.DiscountRedeemCodeBulkCreation; creation.Done {
			return resultsOf(creation.Codes.Nodes), nil
		}
		if !c.clock().Before(end) {
			return nil, &Error{Kind: Hanging, Operation: "AddCodes", Shop: c.shop, Detail: "the codes are not through; doing it again later adds what is missing"}
		}
		if err := c.sleep(ctx, wait); err != nil {
			return nil, fmt.Errorf("wait for codes of %s: %w", c.shop, err)
		}
	}
}

// codeNode is a code as an answer tells it.
type codeNode = CodeCreationDiscountRedeemCodeBulkCreationCodesDiscountRedeemCodeBulkCreationCodeConnectionNodesDiscountRedeemCodeBulkCreationCode

func resultsOf(nodes []codeNode) []CodeResult {
	results := make([]CodeResult, len(nodes))
	for i := range nodes {
		results[i].Code = nodes[i].Code
		for _, e := range nodes[i].Errors {
			results[i].Errors = append(results[i].Errors, FieldError{e.Field, e.Message, string(e.Code)})
		}
	}
	return results
}
