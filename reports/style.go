package reports

import "aisim/reports/figure"

// fontStack ends in DejaVu Sans, the widest: the layout holds with it alone.
const fontStack = `Inter,"Segoe UI","Helvetica Neue",Lato,Roboto,Arial,"DejaVu Sans",sans-serif`

// style is the style sheet, made from the palette of package figure.
func style() string {
	return ":root{color-scheme:light dark;" + figure.Light.Variables() + "}\n" +
		"@media (prefers-color-scheme:dark){:root{" + figure.Dark.Variables() + "}}\n" +
		styleBase + styleNarrow + styleHead + figure.Print.Variables() + styleTail
}

const styleBase = `*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 ` + fontStack + `;font-variant-numeric:tabular-nums lining-nums;overflow-wrap:anywhere}
main{max-width:1120px;margin:0 auto;padding:0 28px 40px}
header{padding-top:24px}
h1,h2,h3,td,dd,.l,.eye span,.act b{unicode-bidi:isolate}
.eye{display:flex;flex-wrap:wrap;gap:2px 15px;font-size:12.5px;color:var(--mut)}
h1{font-size:27px;line-height:1.2;font-weight:650;letter-spacing:-.012em;margin:4px 0 0;text-wrap:balance}
h2{font-size:19px;line-height:1.3;font-weight:650;letter-spacing:-.006em;margin:0;text-wrap:balance}
h2.of{font-size:23px;line-height:1.25;margin:3px 0 0}
h3,h2.sub{font-size:13px;line-height:1.4;font-weight:650;letter-spacing:0;margin:0 0 7px;text-wrap:wrap}
p{margin:0}
a{color:inherit;text-decoration:none}a:hover{text-decoration:underline}
.ban{background:var(--notebg);color:var(--note);font-size:13px;padding:5px 12px;margin-top:9px}
.inc{margin:0 0 12px}
.say{font-size:18px;line-height:1.5;max-width:88ch;margin:13px 0 19px}
.say b{font-weight:650}
.mut,small{color:var(--mut)}
small{font-size:12px;font-weight:400}
.keys{display:grid;grid-template-columns:repeat(6,minmax(0,1fr));border-top:1.5px solid var(--ink);border-bottom:1px solid var(--rule)}
.keys.k4{grid-template-columns:repeat(4,minmax(0,1fr))}.keys.k5{grid-template-columns:repeat(5,minmax(0,1fr))}
.key{padding:10px 13px 10px;border-left:1px solid var(--rule);font-size:12.5px;line-height:1.45;color:var(--mut);min-width:0}
.key:first-child{padding-left:0;border-left:0}.key:last-child{padding-right:0}
.key .k{display:flex;justify-content:space-between;align-items:center;gap:6px}
.key .v{font-size:25px;line-height:1.25;font-weight:600;letter-spacing:-.02em;color:var(--ink);white-space:nowrap}
.key .v small{font-size:13.5px;font-weight:500;letter-spacing:0}
.key .v.non{font-size:16px;line-height:1.95;font-weight:500;letter-spacing:0;color:var(--mut)}
.key svg{margin:1px 0}
.mk{display:inline-block;vertical-align:-1px;flex:none}
.leg{display:flex;flex-wrap:wrap;gap:3px 16px;font-size:12.5px;line-height:1.45;color:var(--mut);margin:0 0 8px}
.leg span{display:inline-flex;align-items:center;gap:6px}
.leg i{width:11px;height:11px;border-radius:2px;flex:none}
.leg i.ht{background:repeating-linear-gradient(45deg,var(--wait) 0 2px,var(--bg) 2px 4px)}
.leg i.id{background:var(--panel);box-shadow:inset 0 0 0 1px var(--faint)}
.row .leg{margin:3px 0 4px}.leg.marks{margin:8px 0 0}
.rows.nov .row{grid-template-columns:var(--lab,13.5rem) minmax(0,1fr);align-items:start}.rows.nov .r{display:none}.rows.nov .leg{margin:4px 0 5px}
svg{display:block;overflow:visible}
svg text{font:12px ` + fontStack + `;font-variant-numeric:tabular-nums;fill:var(--mut)}
svg text.k{fill:var(--ink)}svg text.t{font-size:11px}svg .m{text-anchor:middle}svg .e{text-anchor:end}
figure{margin:0 0 20px;break-inside:avoid}figure:last-child{margin-bottom:0}
figcaption,.cap{font-size:12.5px;line-height:1.45;color:var(--mut);margin-top:7px;max-width:92ch}
.rows{display:grid;grid-template-columns:minmax(0,1fr);gap:5px}
.row{display:grid;grid-template-columns:var(--lab,13.5rem) minmax(0,1fr) var(--val,7rem);gap:0 12px;align-items:center;font-size:13px;line-height:1.35}
.row>*{min-width:0}
.row .r{text-align:right}
.tot{border-top:1px solid var(--ink);padding-top:4px;font-weight:650}
.two{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:22px 44px;margin-top:21px}
.sum>:nth-child(2):not(:last-child){grid-row:span 2}.sum{grid-template-rows:auto 1fr}
.where{margin-top:20px}
.act{list-style:none;margin:0;padding:0;font-size:13.5px;line-height:1.45;counter-reset:a}
.act li{display:grid;grid-template-columns:1.2rem minmax(0,1fr) auto;gap:0 8px;padding:7px 0;border-bottom:1px solid var(--hair);counter-increment:a}
.act li::before{content:counter(a);color:var(--mut);font-weight:600}
.act.no li::before{content:"–"}
.act li:last-child{border-bottom:0}
.act b{font-weight:500}.act small{display:block;font-size:12.5px}
.act .g{text-align:right;font-weight:600}
.act li.all{border-top:1px solid var(--ink)}.act li.all::before{content:""}.act li.all b{font-weight:650}
nav{display:flex;flex-wrap:wrap;gap:3px 15px;border-top:1px solid var(--rule);margin-top:20px;padding-top:9px;font-size:12.5px;color:var(--mut)}
section{border-top:1px solid var(--rule);margin-top:34px;padding-top:15px}
.sec{display:grid;grid-template-columns:236px minmax(0,1fr);gap:0 36px}
.sec>div{min-width:0}
aside{font-size:13.5px}
aside .n{display:block;font-size:12.5px;color:var(--mut);margin-bottom:3px}
aside p{color:var(--mut);margin-top:8px;max-width:62ch}
.wl{border-top:1.5px solid var(--ink);margin-top:44px;padding-top:18px}
table{border-collapse:collapse;width:100%;font-size:13px;line-height:1.4}
th{font-weight:500;font-size:12.5px;color:var(--mut);text-align:left;vertical-align:bottom;border-bottom:1px solid var(--ink);padding:3px 10px 4px 0}
td{vertical-align:top;border-bottom:1px solid var(--hair);padding:4px 10px 4px 0;overflow-wrap:break-word}
td:not(.n){overflow-wrap:anywhere;min-width:5rem}
th.n,td.n{text-align:right;padding:4px 0 4px 10px;white-space:nowrap}
tr.sum td{border-top:1px solid var(--ink);border-bottom:0;font-weight:650}
table+table,.scroll+.scroll{margin-top:16px}
.scroll{overflow-x:auto}
.scroll:focus-visible{outline:2px solid var(--comp)}
code{font:12.5px/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
code.cmd{display:block;background:var(--panel);padding:9px 12px;font-size:12px}
dl{display:grid;grid-template-columns:9rem minmax(0,1fr);gap:3px 14px;font-size:12.5px;margin:0 0 12px}
dt{color:var(--mut)}dd{margin:0;min-width:0}
summary{cursor:pointer;font-size:13px;color:var(--mut);margin:10px 0 6px}
.warn{margin:0;padding:0 0 0 1.3rem;font-size:13.5px}.warn li{margin-bottom:9px}.warn b{font-weight:600;display:block}
.foot{display:none}
`

const styleNarrow = `@media (max-width:1000px){.keys,.keys.k5{grid-template-columns:repeat(3,minmax(0,1fr))}.keys.k4{grid-template-columns:repeat(2,minmax(0,1fr))}
.key:first-child{padding-left:13px}.key:last-child{padding-right:13px}
.key,.key:first-child{border-left:0;box-shadow:-1px 0 0 var(--rule),0 -1px 0 var(--rule)}.keys{overflow:hidden}
.sec{grid-template-columns:minmax(0,1fr)}aside{margin-bottom:14px}aside p{margin-top:4px}.two{gap:20px 28px}}
@media (max-width:720px){main{padding:0 16px 32px}h1{font-size:22px}h2.of{font-size:20px}.say{font-size:16.5px}
.keys,.keys.k4,.keys.k5{grid-template-columns:repeat(2,minmax(0,1fr))}.key,.key:first-child,.key:last-child{padding:9px 10px}
.two{grid-template-columns:minmax(0,1fr);grid-template-rows:none}.sum>:nth-child(2):not(:last-child){grid-row:auto}
.key:nth-child(odd){padding-left:0!important}.key:nth-child(even){padding-right:0!important}
.row{grid-template-columns:minmax(0,1fr) auto;gap:1px 10px;padding-bottom:4px}.rows.nov .row{grid-template-columns:minmax(0,1fr)}.row .b{grid-column:1/-1;grid-row:2}.row .r{max-width:60vw}
.axr .l,.axr .r,svg .w,.ph{display:none}
.scroll th:first-child,.scroll td:first-child{position:sticky;left:0;background:var(--bg);min-width:8rem}
dl{grid-template-columns:minmax(0,1fr)}dd{margin-bottom:5px}
.act li{grid-template-columns:1.2rem minmax(0,1fr)}.act .g{grid-column:2;text-align:left}.act .g small{display:inline;margin-left:8px}}
`

const styleHead = `@media print{@page{size:A4;margin:13mm 14mm}:root{color-scheme:light;`

const styleTail = `}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
body{font-size:9.6pt;line-height:1.4}main{padding:0;max-width:none}header{padding-top:0}
h1{font-size:17pt}h2{font-size:12.5pt}h2.of{font-size:15pt}h3,h2.sub{font-size:8.8pt;margin-bottom:5px}
.eye,.ban{font-size:8pt}.say{font-size:10.6pt;line-height:1.38;margin:6px 0 9px;max-width:none}.rows.nov .leg{margin:2px 0 3px}.leg.marks{margin-top:5px}
.keys{grid-template-columns:repeat(6,minmax(0,1fr))!important}.keys.k4{grid-template-columns:repeat(4,minmax(0,1fr))!important}.keys.k5{grid-template-columns:repeat(5,minmax(0,1fr))!important}
.key,.key:first-child,.key:last-child{padding:6px 8px;font-size:7.8pt;border-left:1px solid var(--rule);box-shadow:none}.key:first-child{padding-left:0;border-left:0}.key:last-child{padding-right:0}
.key .v{font-size:14pt}.key .v small{font-size:8.5pt}.key .v.non{font-size:9pt}
.two{grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:8px 22px;margin-top:9px}.where{margin-top:9px}figcaption{margin-top:4px;line-height:1.35}
.rows{gap:3px}.row{font-size:8.6pt;grid-template-columns:var(--plab,var(--lab,13.5rem)) minmax(0,1fr) var(--pval,var(--val,7rem));gap:0 10px;padding-bottom:0}.rows.nov .row{grid-template-columns:var(--plab) minmax(0,1fr)}.row .b{grid-column:auto;grid-row:auto}.row .r{max-width:none}
small{font-size:7.8pt}table,dl{font-size:8.6pt}th{font-size:8pt}figcaption,.cap,.leg,code{font-size:8pt}.leg{gap:2px 12px}
.act{font-size:8.8pt}.act small{font-size:8pt}.act li{padding:4px 0}
aside{font-size:9pt;break-after:avoid;margin-bottom:7px}aside p{max-width:none}.sec{display:block}
section{margin-top:15px;padding-top:9px;break-inside:avoid}h2,h3,.leg{break-after:avoid}.row,tr,li,figure{break-inside:avoid}
nav{display:none}.pb{break-before:page}.scroll{overflow:visible}svg text{font-size:10.5px}svg text.t{font-size:10.4px}
.foot{display:block;font-size:7.8pt;color:var(--mut);border-top:1px solid var(--rule);padding-top:5px;margin-top:10px}
.wl{margin-top:0}summary{list-style:none}details::details-content{content-visibility:visible;block-size:auto}}
`
