package scenarios

import (
	"reflect"

	"aisim/internal/units"
)

// fieldTypes maps the path of every key to the Go type that it is bound to.
var fieldTypes = func() map[string]reflect.Type {
	m := map[string]reflect.Type{}
	collect(reflect.TypeOf(Scenario{}), "", m)
	return m
}()

func collect(t reflect.Type, pattern string, m map[string]reflect.Type) {
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		name := f.Tag.Get("toml")
		if name == "" {
			continue
		}
		path, ft := joinKey(pattern, name), f.Type
		m[path] = ft
		if inner := tableType(ft); inner != nil {
			collect(inner, path, m)
		}
	}
}

// tableType is the struct behind a table or an array of tables, or nil.
func tableType(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == intervalType || t == quantityType || t == scalarType {
		return nil
	}
	return t
}

// kindOf classes a key: table, tables, list, text, flag, whole, number (a bare
// number may stand), quantity (a unit must).
func kindOf(path string) string {
	t := fieldTypes[path]
	if t == nil {
		return ""
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == intervalType || t == quantityType:
		return "quantity"
	case t == scalarType:
		return "any"
	case t.Kind() == reflect.Slice && tableType(t) != nil:
		return "tables"
	case t.Kind() == reflect.Slice:
		return "list"
	case t.Kind() == reflect.Struct:
		return "table"
	case t.Kind() == reflect.String:
		return "text"
	case t.Kind() == reflect.Bool:
		return "flag"
	case t.Kind() == reflect.Float64:
		if k := keyByPath[path]; k != nil && k.Dim != units.None && !k.Dim.Bare() {
			return "quantity"
		}
		return "number"
	}
	return "whole"
}
