<?php

declare(strict_types=1);

namespace Upline\Commission\Console\Command;

use Symfony\Component\Console\Command\Command;
use Symfony\Component\Console\Input\InputInterface;
use Symfony\Component\Console\Input\InputOption;
use Symfony\Component\Console\Output\OutputInterface;
use Upline\Commission\Model\Outbox;
use Upline\Commission\Model\Sender;

/**
 * bin/magento upline:deliver
 */
class DeliverCommand extends Command
{
    /**
     * @param Sender $sender
     * @param Outbox $outbox
     */
    public function __construct(private readonly Sender $sender, private readonly Outbox $outbox)
    {
        parent::__construct();
    }

    /**
     * @inheritDoc
     */
    protected function configure(): void
    {
        $this->setName('upline:deliver')
            ->setDescription('Send what is due now, as cron does each minute')
            ->addOption('seconds', null, InputOption::VALUE_REQUIRED, 'Stop after so many seconds', '3600');
    }

    /**
     * @inheritDoc
     */
    protected function execute(InputInterface $input, OutputInterface $output): int
    {
        $seconds = (int) $input->getOption('seconds');
        if ($seconds < 1) {
            $output->writeln('<error>--seconds has to be a whole number from 1</error>');
            return Command::INVALID;
        }
        $begun = microtime(true);
        $delivered = $this->sender->drain((float) $seconds);
        $depth = $this->outbox->depth();
        $output->writeln(sprintf(
            '%d orders sent in %.1f s; %d waiting, %d parked',
            $delivered,
            microtime(true) - $begun,
            $depth['depth'],
            $depth['parked']
        ));
        return $depth['depth'] + $depth['parked'] === 0 ? Command::SUCCESS : Command::FAILURE;
    }
}
