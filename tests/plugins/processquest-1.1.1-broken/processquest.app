{application, processquest,
 [{description, "Process Quest, as it should not be"},
  {vsn, "1.1.1"},
  {modules, [processquest, pq_supersup, pq_sup, pq_events, pq_player,
             pq_enemy, pq_market, pq_stats, pq_quest]},
  {registered, [pq_supersup]},
  {applications, [stdlib, kernel, regis, crypto]},
  {mod, {processquest, []}}]}.
