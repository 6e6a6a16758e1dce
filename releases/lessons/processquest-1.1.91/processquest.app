{application, processquest,
 [{description, "Heroes who fight for quests, sell what they find and buy better things, all by themselves"},
  {vsn, "1.1.91"},
  {modules, [processquest, pq_supersup, pq_sup, pq_events, pq_player,
             pq_enemy, pq_market, pq_stats, pq_quest]},
  {registered, [pq_supersup]},
  {applications, [stdlib, kernel, regis, crypto]},
  {mod, {processquest, []}}]}.
