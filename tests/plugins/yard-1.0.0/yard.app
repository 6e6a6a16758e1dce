{application, yard,
 [{description, "A gate and some pens"},
  {vsn, "1.0.0"},
  {modules, [yard, yard_sup, yard_pens, yard_gate, yard_pen, yard_tools]},
  {registered, [yard_sup, yard_pens, yard_gate]},
  {applications, [stdlib, kernel]},
  {mod, {yard, []}}]}.
