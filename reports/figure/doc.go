// Package figure draws the figures of a report. One type, Figure, is a list of
// rows: label, drawing, value. Figure.HTML writes it as a fluid drawing (x in
// per cent, y in px, colours as CSS variables, text as HTML beside it) and
// Figure.SVG as a file of fixed width with the colours of a theme, for slides.
//
// A colour is named for what it means (comp, net, fail …), the same in every
// figure; palette.go holds both themes and is what the style sheet is made from.
package figure
