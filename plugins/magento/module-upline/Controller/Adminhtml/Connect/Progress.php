<?php

declare(strict_types=1);

namespace Upline\Commission\Controller\Adminhtml\Connect;

use Magento\Backend\App\Action;
use Magento\Framework\App\Action\HttpGetActionInterface;
use Magento\Framework\Controller\ResultFactory;
use Magento\Framework\Controller\ResultInterface;
use Upline\Commission\Model\Connector;

/**
 * How far connecting is.
 */
class Progress extends Action implements HttpGetActionInterface
{
    public const ADMIN_RESOURCE = 'Upline_Commission::config';

    /**
     * @param Action\Context $context
     * @param Connector $connector
     */
    public function __construct(Action\Context $context, private readonly Connector $connector)
    {
        parent::__construct($context);
    }

    /**
     * @inheritDoc
     */
    public function execute(): ResultInterface
    {
        $state = $this->connector->progress(max(0, (int) $this->getRequest()->getParam('website')));
        $messages = [
            'connected' => __('Connected. Orders are told from now on.'),
            'waiting' => __('Waiting for the server …'),
            'silent' => __('The server did not come back. Look at Stores in Upline: it says why, and what mends it.'),
        ];
        return $this->resultFactory->create(ResultFactory::TYPE_JSON)
            ->setData(['state' => $state, 'message' => (string) ($messages[$state] ?? '')]);
    }
}
