{application, yard,
 [{description, "A gate, some pens and a dog"},
  {vsn, "2.0.0"},
  {modules, [yard, yard_sup, yard_pens, yard_gate, yard_pen, yard_tools, yard_dog, yard_bell]},
  {registered, [yard_sup, yard_pens, yard_gate, yard_dog]},
  {applications, [stdlib, kernel]},
  {mod, {yard, []}}]}.
