/* The small picture that goes with an advisory: the loss from the run's start, its newest steps one
 * by one. */
#ifndef TW_EPISODE_CHART_H
#define TW_EPISODE_CHART_H

#include "advisories/advisory.h"
#include "agent/run.h"

/* Fills `ret`; with no points where the run has sent fewer than two finite losses. A loss that is
 * not finite is no point. */
void tw_episode_chart_draw(const struct tw_run *run, struct tw_episode_chart *ret);

#endif
