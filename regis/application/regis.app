%% The registry is compiled into the node; this file describes it to operators and releases.
{application, regis,
 [{description, "A non-distributed process registry"},
  {vsn, "1.0.0"},
  {modules, [regis, regis_sup, regis_server]},
  {registered, [regis_server]},
  {applications, [kernel, stdlib]},
  {mod, {regis, []}}]}.
