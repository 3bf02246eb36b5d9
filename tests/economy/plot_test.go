// SPDX-License-Identifier: Apache-2.0

package economy

import (
	"fmt"
	"strings"

	"github.com/athnet/ath/x/ath/types"
)

const (
	panelWidth, panelHeight = 300, 160
	marginX, marginY        = 70, 40
	columns                 = 3
)

var colours = map[string]string{"quiet": "#4477aa", "steady": "#228833", "boom": "#cc3311"}

// panel is one small plot: a figure over ten years, a line per scenario.
type panel struct {
	title string
	value func(row) float64
}

func panels() []panel {
	billions := func(f func(row) int64) func(row) float64 {
		return func(r row) float64 { return float64(f(r)) / uathPerATH / 1e9 }
	}
	all := []panel{
		{"supply, billion ATH", billions(func(r row) int64 { return r.supply.Int64() })},
		{"burnt, billion ATH", billions(func(r row) int64 { return r.burnt.Int64() })},
		{"staked, billion ATH", billions(func(r row) int64 { return r.staked.Int64() })},
		{"APR of stakers, %", func(r row) float64 { return float64(r.aprPpm) / 1e4 }},
		{"APR of stakers from fees alone, %", func(r row) float64 { return float64(r.feeAprPpm) / 1e4 }},
		{"tenants pay, million ATH a day", func(r row) float64 { return float64(r.demand.Int64()) / uathPerATH / 1e6 }},
		{"treasury, billion ATH", billions(func(r row) int64 { return r.treasury.Int64() })},
		{"the DAO's grant holds, billion ATH", billions(func(r row) int64 { return r.daoHeld.Int64() })},
		{"Containers, thousands", func(r row) float64 { return float64(r.containers) / 1e3 }},
		{"index of the stake's coefficient", func(r row) float64 { return float64(r.indexPpm) / 1e6 }},
		{"Containers' stake, billion ATH", billions(func(r row) int64 { return r.bonded.Int64() })},
	}
	for i, name := range poolNames {
		all = append(all, panel{"pool " + name + " holds, billion ATH", billions(func(r row) int64 { return r.held[i].Int64() })})
	}
	return all
}

// draw makes an SVG of small plots.
func draw(rows []row) string {
	var b strings.Builder
	all := panels()
	lines := (len(all) + columns - 1) / columns
	width, height := columns*(panelWidth+marginX)+marginX/2, lines*(panelHeight+2*marginY)+marginY
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", width, height)
	for i, s := range scenarios() {
		fmt.Fprintf(&b, `<text x="%d" y="20" fill="%s">%s</text>`+"\n", marginX+i*80, colours[s.name], s.name)
	}
	for i, p := range all {
		fmt.Fprintf(&b, `<g transform="translate(%d,%d)">`+"\n", marginX+(i%columns)*(panelWidth+marginX), marginY+marginY/2+(i/columns)*(panelHeight+2*marginY))
		p.draw(&b, rows)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (p panel) draw(b *strings.Builder, rows []row) {
	top := 0.0
	for _, r := range rows {
		top = max(top, p.value(r))
	}
	if top == 0 {
		top = 1
	}
	fmt.Fprintf(b, `<text y="-8">%s</text><rect width="%d" height="%d" fill="none" stroke="#999"/>`+"\n", p.title, panelWidth, panelHeight)
	fmt.Fprintf(b, `<text x="-6" y="10" text-anchor="end">%.4g</text><text x="-6" y="%d" text-anchor="end">0</text>`+"\n", top, panelHeight)
	fmt.Fprintf(b, `<text y="%d">year 0</text><text x="%d" y="%d" text-anchor="end">10</text>`+"\n", panelHeight+15, panelWidth, panelHeight+15)
	for _, s := range scenarios() {
		fmt.Fprintf(b, `<polyline fill="none" stroke-width="1.5" stroke="%s" points="`, colours[s.name])
		for _, r := range rows {
			if r.scenario == s.name {
				fmt.Fprintf(b, "%.1f,%.1f ", float64(r.epoch)*panelWidth/float64(types.LastEpoch), panelHeight*(1-p.value(r)/top))
			}
		}
		b.WriteString(`"/>` + "\n")
	}
}
