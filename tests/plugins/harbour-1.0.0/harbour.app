{application, harbour,
 [{description, "Ships that keep their names"},
  {vsn, "1.0.0"},
  {modules, [harbour, harbour_master, harbour_pilots, harbour_pilot, harbour_berths, harbour_ship]},
  {registered, [harbour_pilots, harbour_master, harbour_berths]},
  {applications, [stdlib, kernel, regis]},
  {mod, {harbour, []}}]}.
