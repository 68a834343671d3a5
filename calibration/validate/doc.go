// Package validate holds models against measurements.
//
// A Kind reads the rows of one sort of table and predicts each measured metric; it
// lives in one file and registers itself. Evaluate counts the errors as the schema
// aisim.validate/v1 has them: predicted/measured − 1 on time, so that a rate is
// inverted first, while a size or a ratio is taken as it is. Beside each prediction
// stands that of a plain roofline, so that the model's worth is visible.
//
// Nothing is guessed: a row that cannot be predicted is refused with the reason, and
// every default that was filled in is listed in the case's Assumed.
package validate
