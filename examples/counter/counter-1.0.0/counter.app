{application, counter,
 [{description, "A number that grows"},
  {vsn, "1.0.0"},
  {modules, [counter, counter_sup, counter_server]},
  {registered, [counter_sup, counter_server]},
  {applications, [kernel, stdlib]},
  {mod, {counter, []}}]}.
