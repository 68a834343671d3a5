package ingest

import (
	"reflect"
	"unsafe"
)

// place is where a field of a body lies and what it holds. Records are printed by the hundred thousand
// per second: a pointer and an offset are a quarter of what reflection costs.
type place struct {
	offset uintptr
	form   form
}

// form is the type of a field, of those that bodies have.
type form uint8

const (
	otherForm form = iota
	numForm
	stringForm
	boolForm
	distForm
	endForm
	fieldsForm
	stringsForm
	intsForm
	int64sForm
)

var forms = map[reflect.Type]form{
	reflect.TypeFor[Num](): numForm, reflect.TypeFor[string](): stringForm, reflect.TypeFor[bool](): boolForm, reflect.TypeFor[Dist](): distForm, reflect.TypeFor[End](): endForm,
	reflect.TypeFor[[]Field](): fieldsForm, reflect.TypeFor[[]string](): stringsForm, reflect.TypeFor[[]int](): intsForm, reflect.TypeFor[[]int64](): int64sForm,
}

func placeOf(f reflect.StructField) place { return place{f.Offset, forms[f.Type]} }

// of is the field of the body that p points to.
func (p place) of(body unsafe.Pointer) unsafe.Pointer { return unsafe.Add(body, p.offset) }
