<?php

declare(strict_types=1);

namespace Upline\Commission\Console\Command;

use Symfony\Component\Console\Command\Command;
use Symfony\Component\Console\Helper\ProgressBar;
use Symfony\Component\Console\Input\InputInterface;
use Symfony\Component\Console\Input\InputOption;
use Symfony\Component\Console\Output\OutputInterface;
use Upline\Commission\Model\Backfill;
use Upline\Commission\Model\Connection;
use Upline\Commission\Model\Outbox;
use Upline\Commission\Model\Sender;
use Upline\Commission\Model\State;

/**
 * bin/magento upline:backfill
 */
class BackfillCommand extends Command
{
    /**
     * While the server does not answer, it is asked again after so many seconds, and given up after so many minutes.
     */
    private const PAUSE = 15;
    private const MINUTES = 30;

    /**
     * @param Backfill $backfill
     * @param Sender $sender
     * @param Outbox $outbox
     * @param Connection $connection
     * @param State $state
     */
    public function __construct(
        private readonly Backfill $backfill,
        private readonly Sender $sender,
        private readonly Outbox $outbox,
        private readonly Connection $connection,
        private readonly State $state
    ) {
        parent::__construct();
    }

    /**
     * @inheritDoc
     */
    protected function configure(): void
    {
        $this->setName('upline:backfill')
            ->setDescription('Tell of the orders of the past; goes on where it was broken off')
            ->addOption(
                'from',
                null,
                InputOption::VALUE_REQUIRED,
                'First day of the orders, such as 2026-01-01 (UTC)',
                ''
            )
            ->addOption('to', null, InputOption::VALUE_REQUIRED, 'Day after the last (UTC)', '')
            ->addOption('restart', null, InputOption::VALUE_NONE, 'Begin at the first order again');
    }

    /**
     * @inheritDoc
     */
    protected function execute(InputInterface $input, OutputInterface $output): int
    {
        $span = [];
        foreach (['from', 'to'] as $name) {
            $text = (string) $input->getOption($name);
            $time = $text === '' ? null : strtotime($text . ' UTC');
            if ($time === false) {
                $output->writeln("<error>--$name: give a day such as 2026-01-01</error>");
                return Command::INVALID;
            }
            $span[] = $time === null ? '' : gmdate('Y-m-d H:i:s', $time);
        }
        if (!$this->connection->all()) {
            $output->writeln('<error>This shop is not connected to Upline.</error>');
            return Command::FAILURE;
        }
        $after = $input->getOption('restart') ? 0 : $this->backfill->cursor($span[0], $span[1]);
        return $this->tell($span[0], $span[1], $after, $output);
    }

    /**
     * Puts orders into the outbox and sends them, step by step.
     *
     * @param string $from
     * @param string $to
     * @param int $after
     * @param OutputInterface $output
     * @return int
     */
    private function tell(string $from, string $to, int $after, OutputInterface $output): int
    {
        if ($after > 0) {
            $output->writeln(sprintf('Going on behind order %d.', $after));
        }
        $bar = new ProgressBar($output, $this->backfill->count($from, $to, $after));
        $bar->setFormat("%current%/%max% orders [%bar%] %percent:3s%% %elapsed:6s% %memory:6s%\n");
        $bar->start();
        $delivered = $queued = 0;
        do {
            $step = $this->backfill->step($from, $to, $after);
            $after = $step['after'];
            $queued += $step['queued'];
            $sent = $this->send($output);
            if ($sent === null) {
                return Command::FAILURE;
            }
            $delivered += $sent;
            $bar->advance($step['seen']);
        } while ($step['seen'] > 0);
        $bar->finish();
        $depth = $this->outbox->depth();
        $output->writeln(sprintf(
            '%d orders put into the outbox, %d sent; %d waiting, %d parked',
            $queued,
            $delivered,
            $depth['depth'],
            $depth['parked']
        ));
        return Command::SUCCESS;
    }

    /**
     * Sends what is due. While something hinders that, it waits.
     *
     * @param OutputInterface $output
     * @return int|null orders sent; null where it was given up
     */
    private function send(OutputInterface $output): ?int
    {
        $delivered = $this->sender->drain(600.0);
        $waited = 0;
        while (($hindrance = $this->hindrance()) !== '') {
            if ($waited === 0) {
                $output->writeln("\nNothing can be sent now ($hindrance); waiting. What is in the outbox is not lost.");
            }
            if ($waited >= self::MINUTES * 60) {
                $output->writeln('<error>Given up; run it again, it goes on where it stands.</error>');
                return null;
            }
            // phpcs:ignore Magento2.Functions.DiscouragedFunction -- the command has nothing else to do.
            sleep(self::PAUSE);
            $delivered += $this->sender->drain(600.0);
            $waited += self::PAUSE;
        }
        return $delivered;
    }

    /**
     * Why nothing can be sent over some connection.
     *
     * @return string
     */
    private function hindrance(): string
    {
        $this->state->refresh();
        foreach ($this->connection->all() as $connection) {
            if ($connection->hindrance() !== '') {
                return $connection->hindrance();
            }
        }
        return '';
    }
}
