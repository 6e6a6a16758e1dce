{application, counter,
 [{description, "A number that grows, and how often it grew"},
  {vsn, "1.1.0"},
  {modules, [counter, counter_sup, counter_server]},
  {registered, [counter_sup, counter_server]},
  {applications, [kernel, stdlib]},
  {mod, {counter, []}}]}.
